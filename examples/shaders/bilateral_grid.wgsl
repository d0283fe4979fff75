// A fivefold grid on the graphics processor: guide, slice, apply. WGSL, for WebGPU and wgpu.

struct Guide {
  mixing: array<vec4f, 3>,      // one row for each curve: red, green, blue, offset
  slopes: array<vec4f, 16>,     // one entry for each knot: its slope on the three curves
  thresholds: array<vec4f, 16>, // likewise, where the slope sets in
  bias: vec4f,                  // its x
}

// rgba32float: layer z + depth * c holds the four weights of output channel c.
@group(0) @binding(0) var cells: texture_3d<f32>;
@group(0) @binding(1) var<uniform> guide: Guide;

fn guide_of(colour: vec3f) -> f32 {
  let extended = vec4f(colour, 1.0);
  let mixed = vec3f(
    dot(guide.mixing[0], extended), dot(guide.mixing[1], extended), dot(guide.mixing[2], extended));
  var curves = vec3f(0.0);
  for (var i = 0; i < 16; i++) {
    curves += guide.slopes[i].xyz * max(mixed - guide.thresholds[i].xyz, vec3f(0.0));
  }
  return clamp(guide.bias.x + (curves.x + curves.y + curves.z) / 3.0, 0.0, 1.0);
}

// Interpolation is written out: a sampler's own has only 8 bits of fraction, which shows as bands.
fn blend(lower: vec2i, upper: vec2i, along: vec2f, layer: i32) -> vec4f {
  let top = mix(
    textureLoad(cells, vec3i(lower, layer), 0),
    textureLoad(cells, vec3i(upper.x, lower.y, layer), 0), along.x);
  let bottom = mix(
    textureLoad(cells, vec3i(lower.x, upper.y, layer), 0),
    textureLoad(cells, vec3i(upper, layer), 0), along.x);
  return mix(top, bottom, along.y);
}

// colour: sRGB as it is coded, 0 to 1. place: 0 to 1 from the picture's left and upper edge.
fn enhance(colour: vec3f, place: vec2f) -> vec3f {
  var size = vec3i(textureDimensions(cells, 0));
  size.z /= 3;
  let at = vec3f(place, guide_of(colour)) * vec3f(size) - 0.5;
  let lower = clamp(vec3i(floor(at)), vec3i(0), size - 1);
  let upper = clamp(vec3i(floor(at)) + 1, vec3i(0), size - 1);
  let along = fract(at);
  var result: vec3f;
  for (var c = 0; c < 3; c++) {
    let weights = mix(
      blend(lower.xy, upper.xy, along.xy, lower.z + size.z * c),
      blend(lower.xy, upper.xy, along.xy, upper.z + size.z * c), along.z);
    result[c] = dot(weights, vec4f(colour, 1.0));
  }
  return clamp(result, vec3f(0.0), vec3f(1.0));
}
