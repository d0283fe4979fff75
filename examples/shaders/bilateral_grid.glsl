// A fivefold grid on the graphics processor: guide, slice, apply. GLSL 3.30 or ES 3.00 and later.
// Put it after your #version line; ES also wants "precision highp float;" and
// "precision highp sampler3D;".

uniform sampler3D cells; // RGBA32F: layer z + depth * c holds the four weights of output channel c

layout(std140) uniform Guide {
  vec4 mixing[3];      // one row for each curve: red, green, blue, offset
  vec4 slopes[16];     // one entry for each knot: its slope on the three curves
  vec4 thresholds[16]; // likewise, where the slope sets in
  vec4 bias;           // its x
};

float guideOf(vec3 colour) {
  vec4 extended = vec4(colour, 1.0);
  vec3 mixed =
      vec3(dot(mixing[0], extended), dot(mixing[1], extended), dot(mixing[2], extended));
  vec3 curves = vec3(0.0);
  for (int i = 0; i < 16; i++) curves += slopes[i].xyz * max(mixed - thresholds[i].xyz, 0.0);
  return clamp(bias.x + (curves.x + curves.y + curves.z) / 3.0, 0.0, 1.0);
}

// Interpolation is written out: a sampler's own has only 8 bits of fraction, which shows as bands.
vec4 blend(ivec2 near, ivec2 far, vec2 along, int layer) {
  vec4 top = mix(texelFetch(cells, ivec3(near, layer), 0),
                 texelFetch(cells, ivec3(far.x, near.y, layer), 0), along.x);
  vec4 bottom = mix(texelFetch(cells, ivec3(near.x, far.y, layer), 0),
                    texelFetch(cells, ivec3(far, layer), 0), along.x);
  return mix(top, bottom, along.y);
}

// colour: sRGB as it is coded, 0 to 1. place: 0 to 1 from the picture's left and upper edge.
vec3 enhance(vec3 colour, vec2 place) {
  ivec3 size = textureSize(cells, 0);
  size.z /= 3;
  vec3 at = vec3(place, guideOf(colour)) * vec3(size) - 0.5;
  ivec3 near = clamp(ivec3(floor(at)), ivec3(0), size - 1);
  ivec3 far = clamp(ivec3(floor(at)) + 1, ivec3(0), size - 1);
  vec3 along = fract(at);
  vec3 result;
  for (int c = 0; c < 3; c++) {
    vec4 weights = mix(blend(near.xy, far.xy, along.xy, near.z + size.z * c),
                       blend(near.xy, far.xy, along.xy, far.z + size.z * c), along.z);
    result[c] = dot(weights, vec4(colour, 1.0));
  }
  return clamp(result, 0.0, 1.0);
}
