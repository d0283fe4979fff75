/** The network runs in this page, through ONNX Runtime's WebAssembly: no photo leaves the device. */

import * as ort from "onnxruntime-web/wasm";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";

import { COEFFICIENTS, type Grid, type Guide } from "../grid";
import { reduce, THUMBNAIL_PX, type Thumbnail } from "../reduce";
import type { ExportAnswer, ExportTask } from "./export.worker";
import { ServiceError, type Progress, type Saved, type SaveRequest, type Service } from "./service";

/** What `models/models.json` says; written together with the networks. */
interface Model {
  readonly name: string;
  readonly network: string;
  /** Which of the grids that the network predicts is this look's. */
  readonly grid: number;
  readonly guide: {
    readonly matrix: readonly (readonly number[])[];
    readonly matrix_bias: readonly number[];
    readonly slopes: readonly (readonly number[])[];
    readonly thresholds: readonly (readonly number[])[];
    readonly bias: number;
  };
}

interface Loaded {
  readonly session: ort.InferenceSession;
  readonly grid: number;
  readonly guide: Guide;
}

const LUMA = [0.2126, 0.7152, 0.0722] as const; // ITU-R BT.709, on coded values

class Local implements Service {
  readonly isRemote = false;
  readonly formats = ["jpeg", "png", "webp"] as const;
  #models: Promise<readonly Model[]> | undefined;
  readonly #loaded = new Map<string, Promise<Loaded>>();
  /** By file: looks of one bundle share its network. */
  readonly #sessions = new Map<string, Promise<ort.InferenceSession>>();
  /** ONNX Runtime runs one network at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  setToken(): void {
    // Nobody is asked for anything, so nobody asks for a password.
  }

  async experts(): Promise<string[]> {
    return (await this.#list()).map((model) => model.name);
  }

  async predict(file: File, thumbnail: Thumbnail | null, expert: string): Promise<Grid> {
    const { rgb, isNeutral } = thumbnail ?? (await reduceFile(file));
    const { session, grid: number, guide } = await this.#load(expert);
    const n = THUMBNAIL_PX;
    const planes = new Float32Array(3 * n * n);
    for (let i = 0; i < n * n; i++) {
      for (let c = 0; c < 3; c++) planes[c * n * n + i] = rgb[3 * i + c]!;
    }
    const input = new ort.Tensor("float32", planes, [1, 3, n, n]);
    const run = this.#turn.then(() => session.run({ thumbnail: input }));
    this.#turn = run.catch(() => undefined);
    const grid = (await run).grid!;
    const [, , depth, height, width] = grid.dims as [number, number, number, number, number];
    const size = COEFFICIENTS * depth * height * width;
    const coefficients = (grid.data as Float32Array).subarray(number * size, (number + 1) * size);
    return {
      depth,
      height,
      width,
      guide,
      coefficients: isNeutral ? neutral(coefficients) : coefficients,
    };
  }

  preview(): Promise<Blob> {
    const reason = "This browser cannot open the file. JPEG, PNG and WebP work everywhere.";
    return Promise.reject(new ServiceError(reason, "refused"));
  }

  async check(): Promise<void> {
    // What the browser shows is what is saved.
  }

  async save(request: SaveRequest, progress: Progress, signal: AbortSignal): Promise<Saved> {
    progress("enhancing");
    const grid = await this.predict(request.file, null, request.expert);
    const type = request.format ? `image/${request.format}` : ownType(request.file);
    const task: ExportTask = { file: request.file, grid, strength: request.strength, type };
    const content = await exportInWorker(task, progress, signal);
    const stem = request.file.name.replace(/\.[^.]*$/, "") || "photo";
    const suffix = content.type === "image/jpeg" ? "jpg" : content.type.slice("image/".length);
    return { name: `${stem}_enhanced.${suffix}`, content };
  }

  #list(): Promise<readonly Model[]> {
    this.#models ??= fetchOwn("models/models.json").then(
      async (answer) => ((await answer.json()) as { models: Model[] }).models,
    );
    return this.#models;
  }

  #load(expert: string): Promise<Loaded> {
    let loading = this.#loaded.get(expert);
    if (!loading) {
      loading = this.#open(expert);
      loading.catch(() => this.#loaded.delete(expert)); // so that the next photo tries again
      this.#loaded.set(expert, loading);
    }
    return loading;
  }

  async #open(expert: string): Promise<Loaded> {
    const model = (await this.#list()).find(({ name }) => name === expert);
    if (!model) throw new ServiceError(`There is no look called ${expert}.`, "refused");
    const session = await this.#session(model.network);
    const { matrix, matrix_bias, slopes, thresholds, bias } = model.guide;
    const guide = {
      matrix: Float32Array.from(matrix.flat()),
      matrixBias: Float32Array.from(matrix_bias),
      slopes: Float32Array.from(slopes.flat()),
      thresholds: Float32Array.from(thresholds.flat()),
      bias,
    };
    return { session, grid: model.grid, guide };
  }

  #session(file: string): Promise<ort.InferenceSession> {
    let opening = this.#sessions.get(file);
    if (!opening) {
      opening = openSession(file);
      opening.catch(() => this.#sessions.delete(file)); // so that the next photo tries again
      this.#sessions.set(file, opening);
    }
    return opening;
  }
}

async function openSession(file: string): Promise<ort.InferenceSession> {
  ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, location.href).href };
  ort.env.wasm.numThreads = 1; // more would ask special headers of the host
  const network = await (await fetchOwn(`models/${file}`)).arrayBuffer();
  return ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
}

async function fetchOwn(path: string): Promise<Response> {
  let answer;
  try {
    answer = await fetch(path);
  } catch {
    throw new ServiceError("The page's own files cannot be loaded.", "offline");
  }
  if (!answer.ok) throw new ServiceError(`${path} is missing from this site.`, "refused");
  return answer;
}

async function reduceFile(file: File): Promise<Thumbnail> {
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none" });
  try {
    return await reduce(bitmap);
  } finally {
    bitmap.close();
  }
}

/** Browsers write JPEG, PNG and (most of them) WebP; anything else becomes a JPEG. */
function ownType(file: File): string {
  return ["image/png", "image/webp"].includes(file.type) ? file.type : "image/jpeg";
}

/** The grid whose three outputs all are the luminance of this one's, so that greys stay grey. */
function neutral(coefficients: Float32Array): Float32Array {
  const volume = coefficients.length / COEFFICIENTS;
  const result = new Float32Array(coefficients.length);
  for (let i = 0; i < 4 * volume; i++) {
    const value = LUMA.reduce((sum, weight, c) => sum + weight * coefficients[4 * c * volume + i]!, 0);
    for (let c = 0; c < 3; c++) result[4 * c * volume + i] = value;
  }
  return result;
}

/** Loaded before it is needed, and kept, so that saving works without the network too. */
let exporter: Worker = newExporter();

function newExporter(): Worker {
  return new Worker(new URL("./export.worker.ts", import.meta.url), { type: "module" });
}

function exportInWorker(task: ExportTask, progress: Progress, signal: AbortSignal): Promise<Blob> {
  return new Promise<Blob>((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    exporter.onerror = () => reject(new ServiceError("The photo could not be written.", "refused"));
    exporter.onmessage = ({ data }: MessageEvent<ExportAnswer>) => {
      if ("fraction" in data) progress("enhancing", data.fraction);
      else if ("content" in data) resolve(data.content);
      else reject(new ServiceError(data.problem, "refused"));
    };
    exporter.postMessage(task);
  }).catch((error: unknown) => {
    exporter.terminate(); // it may still be at work
    exporter = newExporter();
    throw error;
  });
}

export const service: Service = new Local();
