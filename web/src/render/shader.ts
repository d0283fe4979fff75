/** Guide, slice and apply on the graphics processor, with the reference's coordinates. */

import { KNOTS } from "../grid";

export const VERTEX_SHADER = `#version 300 es
void main() {
  // One triangle that covers the viewport.
  gl_Position = vec4(float((gl_VertexID & 1) << 2) - 1.0, float((gl_VertexID & 2) << 1) - 1.0, 0, 1);
}`;

/**
 * Interpolation between cells is written out: the sampler's own has no more than 8 bits of
 * fraction on common hardware, which would show as bands.
 */
export const FRAGMENT_SHADER = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler3D;

uniform sampler2D tile;      // a part of the photo, RGBA as it is coded
uniform vec2 tileOrigin;     // the photo's pixel at the texture's corner
uniform sampler3D cells;     // the grid; layer z + depth * c holds the four numbers of output c
uniform bool hasGrid;
uniform vec2 photoSize;
uniform vec2 origin;         // the photo's pixel at the window's top left corner
uniform float scale;         // device pixels per pixel of the photo
uniform float windowHeight;
uniform float split;         // device pixels: left of it the photo stays as it came
uniform float strength;
uniform mat3 mixing;
uniform vec3 mixingBias;
uniform vec3 slopes[${KNOTS}];
uniform vec3 thresholds[${KNOTS}];
uniform float bias;
uniform vec3 backdrop[2];    // what shows through where the photo is transparent

out vec4 colour;

vec4 photoAt(vec2 p) {
  vec2 size = vec2(textureSize(tile, 0));
  vec2 q = p - tileOrigin;
  if (scale >= 2.0 || scale == 1.0) return texelFetch(tile, ivec2(q), 0);
  if (scale > 1.0) return textureLod(tile, q / size, 0.0);
  // A little sharper than the nearest level would be; the linear filter hides the rest.
  return textureLod(tile, q / size, max(0.0, -log2(scale) - 0.4));
}

float guide(vec3 photo) {
  vec3 mixed = mixing * photo + mixingBias;
  vec3 curves = vec3(0);
  for (int i = 0; i < ${KNOTS}; i++) curves += slopes[i] * max(mixed - thresholds[i], 0.0);
  return clamp(bias + (curves.x + curves.y + curves.z) / 3.0, 0.0, 1.0);
}

vec4 slice(int c, ivec3 a, ivec3 b, vec3 f, int depth) {
  int near = a.z + depth * c;
  int far = b.z + depth * c;
  vec4 front = mix(
    mix(texelFetch(cells, ivec3(a.xy, near), 0), texelFetch(cells, ivec3(b.x, a.y, near), 0), f.x),
    mix(texelFetch(cells, ivec3(a.x, b.y, near), 0), texelFetch(cells, ivec3(b.xy, near), 0), f.x),
    f.y);
  vec4 back = mix(
    mix(texelFetch(cells, ivec3(a.xy, far), 0), texelFetch(cells, ivec3(b.x, a.y, far), 0), f.x),
    mix(texelFetch(cells, ivec3(a.x, b.y, far), 0), texelFetch(cells, ivec3(b.xy, far), 0), f.x),
    f.y);
  return mix(front, back, f.z);
}

void main() {
  vec2 at = vec2(gl_FragCoord.x, windowHeight - gl_FragCoord.y);
  vec2 p = clamp(origin + at / scale, vec2(0), photoSize - 0.001);
  vec4 photo = photoAt(p);
  vec3 shown = photo.rgb;
  if (hasGrid && at.x >= split) {
    ivec3 size = textureSize(cells, 0);
    size.z /= 3;
    vec3 place = vec3(p / photoSize, guide(photo.rgb)) * vec3(size) - 0.5;
    vec3 below = floor(place);
    ivec3 a = clamp(ivec3(below), ivec3(0), size - 1);
    ivec3 b = clamp(ivec3(below) + 1, ivec3(0), size - 1);
    vec4 input4 = vec4(photo.rgb, 1.0);
    vec3 enhanced = vec3(
      dot(slice(0, a, b, place - below, size.z), input4),
      dot(slice(1, a, b, place - below, size.z), input4),
      dot(slice(2, a, b, place - below, size.z), input4));
    shown = clamp(mix(photo.rgb, enhanced, strength), 0.0, 1.0);
  }
  ivec2 square = ivec2(at) >> 4;
  colour = vec4(mix(backdrop[(square.x + square.y) & 1], shown, photo.a), 1.0);
}`;
