/** The network runs in `fivefold serve`, and so does the exact full-resolution pass. */

import { GRID_TYPE, parseGrid, type Grid } from "../grid";
import { toPng, type Thumbnail } from "../reduce";
import {
  pause,
  ServiceError,
  type Progress,
  type Saved,
  type SaveRequest,
  type Service,
} from "./service";

const BUSY_TRIES = 20;
/** How much of a file tells whether it can be enhanced: what comes before the picture itself. */
const START_BYTES = 256 * 2 ** 10;
const TOKEN_KEY = "fivefold-token";

/** The part of `GET /health` that the page uses. */
interface Health {
  readonly experts: string[];
  readonly max_upload_bytes: number;
}

interface Answer {
  readonly status: number;
  readonly content: Blob;
  readonly header: (name: string) => string | null;
}

/** The password comes in the address's fragment, which browsers do not send, and leaves it. */
function tokenFromAddress(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

class Server implements Service {
  readonly isRemote = true;
  readonly formats = ["jpeg", "png", "tiff", "webp", "avif", "jxl"] as const;
  #token = tokenFromAddress();
  #largestBytes = Infinity;

  setToken(token: string): void {
    this.#token = token;
    sessionStorage.setItem(TOKEN_KEY, token);
  }

  async experts(signal?: AbortSignal): Promise<string[]> {
    const { content } = await this.#ask("GET", "health", undefined, {}, signal);
    const health = JSON.parse(await content.text()) as Health;
    this.#largestBytes = health.max_upload_bytes;
    return health.experts;
  }

  async predict(
    file: File,
    thumbnail: Thumbnail | null,
    expert: string,
    signal: AbortSignal,
  ): Promise<Grid> {
    // The file itself has the last word where the small picture cannot tell everything.
    const isEnough = thumbnail !== null && thumbnail.isOpaque && !thumbnail.isNeutral;
    const body = isEnough ? await toPng(thumbnail) : file;
    const { content } = await this.#ask("POST", "grid", body, { expert }, signal);
    if (content.type !== GRID_TYPE) throw new ServiceError("The answer is no grid.", "refused");
    return parseGrid(await content.arrayBuffer());
  }

  async preview(file: File, longSide: number, signal: AbortSignal): Promise<Blob> {
    const parameters = { max_side_px: String(longSide) };
    return (await this.#ask("POST", "preview", file, parameters, signal)).content;
  }

  async check(file: File, signal: AbortSignal): Promise<void> {
    this.#refuseTooLarge(file);
    const start = new File([file.slice(0, START_BYTES)], file.name);
    await this.#ask("POST", "check", start, {}, signal);
  }

  async save(request: SaveRequest, progress: Progress, signal: AbortSignal): Promise<Saved> {
    const { file, expert, strength, format } = request;
    const parameters = {
      expert,
      strength: strength.toFixed(3),
      ...(format === null ? {} : { format }),
    };
    const answer = await this.#ask("POST", "enhance", file, parameters, signal, progress);
    return { name: nameIn(answer) ?? `${file.name}-enhanced`, content: answer.content };
  }

  /** One request; waits and asks again as long as the server says that it is busy. */
  async #ask(
    method: string,
    path: string,
    body: Blob | undefined,
    parameters: Record<string, string>,
    signal?: AbortSignal,
    progress?: Progress,
  ): Promise<Answer> {
    if (body) this.#refuseTooLarge(body);
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#send(method, path, body, parameters, signal, progress);
      if (answer.status < 400) return answer;
      const wait = Number(answer.header("Retry-After") ?? 0);
      if (answer.status !== 503 || !(wait > 0) || attempt >= BUSY_TRIES) throw await refusal(answer);
      progress?.("waiting");
      await pause(1000 * wait * (0.75 + Math.random() / 2), signal);
    }
  }

  /** A server that refuses a body in the middle looks like one that has gone away. */
  #refuseTooLarge({ size }: Blob): void {
    if (size <= this.#largestBytes) return;
    const limit = Math.floor(this.#largestBytes / 2 ** 20);
    throw new ServiceError(`The file is larger than ${limit} MB, the limit here.`, "refused");
  }

  #send(
    method: string,
    path: string,
    body: Blob | undefined,
    parameters: Record<string, string>,
    signal?: AbortSignal,
    progress?: Progress,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(); // fetch does not tell how much it has sent
      const query = new URLSearchParams(parameters).toString();
      request.open(method, query ? `${path}?${query}` : path);
      request.responseType = "blob";
      if (this.#token) request.setRequestHeader("Authorization", `Bearer ${this.#token}`);
      request.upload.onprogress = (event) => {
        progress?.("sending", event.total ? event.loaded / event.total : undefined);
      };
      request.upload.onload = () => progress?.("enhancing");
      request.onprogress = (event) => {
        progress?.("receiving", event.lengthComputable ? event.loaded / event.total : undefined);
      };
      request.onload = () => {
        const header = (name: string) => request.getResponseHeader(name);
        resolve({ status: request.status, content: request.response as Blob, header });
      };
      request.onerror = () => {
        reject(new ServiceError("fivefold does not answer.", "offline"));
      };
      request.onabort = () => {
        reject(signal?.reason ?? new DOMException("stopped", "AbortError"));
      };
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      request.send(body ? asForm(body) : null);
    });
  }
}

/** A form, so that the name of the file goes along. */
function asForm(body: Blob): FormData {
  const form = new FormData();
  form.append("file", body);
  return form;
}

/** The server's own words (RFC 9457), which are written for people. */
async function refusal({ status, content }: Answer): Promise<ServiceError> {
  const kind = status === 401 ? "token" : status === 503 ? "busy" : "refused";
  try {
    const { detail } = JSON.parse(await content.text()) as { detail?: unknown };
    if (typeof detail === "string") return new ServiceError(detail, kind);
  } catch {
    // Not an answer of ours: a proxy's page, perhaps. The status has to do.
  }
  return new ServiceError(`The server refused (${status}).`, kind);
}

function nameIn(answer: Answer): string | null {
  const encoded = /filename\*=UTF-8''([^;]+)/.exec(answer.header("Content-Disposition") ?? "");
  return encoded ? decodeURIComponent(encoded[1]!) : null;
}

export const service: Service = new Server();
