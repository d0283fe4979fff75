/** The stage on the graphics processor: WebGL2, the photo in tiles, the grid as a 3-D texture. */

import { KNOTS, type Grid } from "../grid";
import { placeOf, type Size } from "../view";
import type { Renderer, Scene } from "./renderer";
import { FRAGMENT_SHADER, VERTEX_SHADER } from "./shader";

const LARGEST_TILE = 8192;
/** Pixels that neighbouring tiles share, so that reduced levels of both agree along the seam. */
const OVERLAP = 32;

interface Tile {
  readonly texture: WebGLTexture;
  /** The part of the photo that the texture holds. */
  readonly left: number;
  readonly top: number;
  /** The part that is drawn from it: without the overlap. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

interface Cut {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/** Along one side: where textures begin and end, and where the drawing changes between them. */
function cuts(length: number, largest: number): Cut[] {
  if (length <= largest) return [{ start: 0, end: length, from: 0, to: length }];
  const step = largest - 2 * OVERLAP;
  const count = Math.ceil(length / step);
  return Array.from({ length: count }, (_, i) => ({
    start: Math.max(0, i * step - OVERLAP),
    end: Math.min(length, (i + 1) * step + OVERLAP),
    from: i * step,
    to: Math.min(length, (i + 1) * step),
  }));
}

export class GlRenderer implements Renderer {
  readonly name = "webgl2";
  readonly #gl: WebGL2RenderingContext;
  #program!: WebGLProgram;
  #cells!: WebGLTexture;
  readonly #places = new Map<string, WebGLUniformLocation | null>();
  #tiles: Tile[] = [];
  #photo: ImageBitmap | null = null;
  #grid: Grid | null = null;
  #scene: Scene | null = null;

  /** The renderer, or `null` where there is no WebGL2. */
  static on(canvas: HTMLCanvasElement): GlRenderer | null {
    const gl = canvas.getContext("webgl2", {
      alpha: true,
      antialias: false,
      depth: false,
      powerPreference: "high-performance",
    });
    if (!gl || gl.isContextLost()) return null;
    return new GlRenderer(canvas, gl);
  }

  private constructor(canvas: HTMLCanvasElement, gl: WebGL2RenderingContext) {
    this.#gl = gl;
    this.#prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => void this.#restore());
  }

  async setPhoto(bitmap: ImageBitmap | null): Promise<void> {
    const gl = this.#gl;
    this.#photo = bitmap;
    this.#grid = null;
    for (const { texture } of this.#tiles) gl.deleteTexture(texture);
    this.#tiles = [];
    if (!bitmap) return;
    const largest = Math.min(gl.getParameter(gl.MAX_TEXTURE_SIZE) as number, LARGEST_TILE);
    const tiles: Tile[] = [];
    for (const row of cuts(bitmap.height, largest)) {
      for (const column of cuts(bitmap.width, largest)) {
        const width = column.end - column.start;
        const height = row.end - row.start;
        const isWhole = width === bitmap.width && height === bitmap.height;
        const part: ImageBitmap = isWhole
          ? bitmap
          : await createImageBitmap(bitmap, column.start, row.start, width, height, {
              premultiplyAlpha: "none",
            });
        if (this.#photo !== bitmap) return; // another photo has come meanwhile
        tiles.push({
          texture: this.#upload(part),
          left: column.start,
          top: row.start,
          from: [column.from, row.from],
          to: [column.to, row.to],
        });
        if (part !== bitmap) part.close();
      }
    }
    this.#tiles = tiles;
  }

  setGrid(grid: Grid | null): void {
    const gl = this.#gl;
    this.#grid = grid;
    if (!grid) return;
    const { depth, height, width, coefficients, guide } = grid;
    const volume = depth * height * width;
    const texels = new Float32Array(12 * volume);
    for (let c = 0; c < 12; c++) {
      const layer = (c >> 2) * volume;
      for (let i = 0; i < volume; i++) {
        texels[4 * (layer + i) + (c & 3)] = coefficients[c * volume + i]!;
      }
    }
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_3D, this.#cells);
    gl.texImage3D(
      gl.TEXTURE_3D, 0, gl.RGBA32F, width, height, 3 * depth, 0, gl.RGBA, gl.FLOAT, texels,
    );
    gl.useProgram(this.#program);
    gl.uniformMatrix3fv(this.#at("mixing"), true, guide.matrix);
    gl.uniform3fv(this.#at("mixingBias"), guide.matrixBias);
    gl.uniform3fv(this.#at("slopes"), byKnot(guide.slopes));
    gl.uniform3fv(this.#at("thresholds"), byKnot(guide.thresholds));
    gl.uniform1f(this.#at("bias"), guide.bias);
  }

  resize({ width, height }: Size): void {
    const { canvas } = this.#gl;
    canvas.width = width;
    canvas.height = height;
  }

  draw(scene: Scene): void {
    this.#scene = scene;
    const gl = this.#gl;
    const photo = this.#photo;
    const { width, height } = gl.canvas;
    gl.disable(gl.SCISSOR_TEST);
    gl.viewport(0, 0, width, height);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!photo || !this.#tiles.length) return;
    const { view } = scene;
    gl.useProgram(this.#program);
    gl.uniform1i(this.#at("hasGrid"), this.#grid ? 1 : 0);
    gl.uniform2f(this.#at("photoSize"), photo.width, photo.height);
    gl.uniform2f(this.#at("origin"), view.x, view.y);
    gl.uniform1f(this.#at("scale"), view.scale);
    gl.uniform1f(this.#at("windowHeight"), height);
    gl.uniform1f(this.#at("split"), scene.split);
    gl.uniform1f(this.#at("strength"), scene.strength);
    const place = placeOf(view, photo);
    const round = (start: number, along: number) => Math.round(start + along * view.scale);
    gl.enable(gl.SCISSOR_TEST);
    gl.activeTexture(gl.TEXTURE0);
    for (const tile of this.#tiles) {
      const left = round(place.left, tile.from[0]);
      const top = round(place.top, tile.from[1]);
      const right = Math.max(round(place.left, tile.to[0]), left + 1);
      const bottom = Math.max(round(place.top, tile.to[1]), top + 1);
      if (right <= 0 || bottom <= 0 || left >= width || top >= height) continue;
      gl.scissor(left, height - bottom, right - left, bottom - top);
      gl.bindTexture(gl.TEXTURE_2D, tile.texture);
      gl.uniform2f(this.#at("tileOrigin"), tile.left, tile.top);
      gl.drawArrays(gl.TRIANGLES, 0, 3);
    }
  }

  #prepare(): void {
    const gl = this.#gl;
    this.#places.clear();
    this.#program = link(gl);
    this.#cells = gl.createTexture();
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_3D, this.#cells);
    setFilter(gl, gl.TEXTURE_3D, gl.NEAREST, gl.NEAREST);
    gl.useProgram(this.#program);
    gl.uniform1i(this.#at("tile"), 0);
    gl.uniform1i(this.#at("cells"), 1);
    gl.uniform3fv(this.#at("backdrop"), [0.42, 0.42, 0.42, 0.5, 0.5, 0.5]);
  }

  async #restore(): Promise<void> {
    const grid = this.#grid;
    this.#tiles = [];
    this.#prepare();
    await this.setPhoto(this.#photo);
    this.setGrid(grid);
    if (this.#scene) this.draw(this.#scene);
  }

  #upload(part: ImageBitmap): WebGLTexture {
    const gl = this.#gl;
    const texture = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, part);
    gl.generateMipmap(gl.TEXTURE_2D);
    setFilter(gl, gl.TEXTURE_2D, gl.LINEAR_MIPMAP_LINEAR, gl.LINEAR);
    return texture;
  }

  #at(name: string): WebGLUniformLocation | null {
    if (!this.#places.has(name)) {
      this.#places.set(name, this.#gl.getUniformLocation(this.#program, name));
    }
    return this.#places.get(name) ?? null;
  }
}

/** Rows of sixteen, one for each curve, to sixteen triples, as the shader's arrays want them. */
function byKnot(rows: Float32Array): Float32Array {
  return Float32Array.from(rows, (_, i) => rows[(i % 3) * KNOTS + Math.floor(i / 3)]!);
}

function setFilter(gl: WebGL2RenderingContext, target: number, min: number, mag: number): void {
  gl.texParameteri(target, gl.TEXTURE_MIN_FILTER, min);
  gl.texParameteri(target, gl.TEXTURE_MAG_FILTER, mag);
  for (const axis of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T, gl.TEXTURE_WRAP_R]) {
    gl.texParameteri(target, axis, gl.CLAMP_TO_EDGE);
  }
}

function link(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX_SHADER],
    [gl.FRAGMENT_SHADER, FRAGMENT_SHADER],
  ] as const) {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the shader does not compile: ${gl.getProgramInfoLog(program) ?? ""}`);
  }
  return program;
}
