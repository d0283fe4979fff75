// A fivefold grid on the graphics processor: guide, slice, apply. Metal Shading Language 2 and later.

#include <metal_stdlib>
using namespace metal;

struct Guide {
  float4 mixing[3];      // one row for each curve: red, green, blue, offset
  float4 slopes[16];     // one entry for each knot: its slope on the three curves
  float4 thresholds[16]; // likewise, where the slope sets in
  float4 bias;           // its x
};

// MTLPixelFormatRGBA32Float: layer z + depth * c holds the four weights of output channel c.
using Cells = texture3d<float, access::read>;

static float guide_of(float3 colour, constant Guide& guide) {
  float4 extended = float4(colour, 1.0f);
  float3 mixed = float3(dot(guide.mixing[0], extended), dot(guide.mixing[1], extended),
                        dot(guide.mixing[2], extended));
  float3 curves = float3(0.0f);
  for (int i = 0; i < 16; i++) {
    curves += guide.slopes[i].xyz * max(mixed - guide.thresholds[i].xyz, float3(0.0f));
  }
  return clamp(guide.bias.x + (curves.x + curves.y + curves.z) / 3.0f, 0.0f, 1.0f);
}

// Interpolation is written out: a sampler's own has only 8 bits of fraction, which shows as bands.
static float4 blend(Cells cells, int3 lower, int3 upper, float3 along, int layer) {
  float4 top = mix(cells.read(uint3(lower.x, lower.y, layer)),
                   cells.read(uint3(upper.x, lower.y, layer)), along.x);
  float4 bottom = mix(cells.read(uint3(lower.x, upper.y, layer)),
                      cells.read(uint3(upper.x, upper.y, layer)), along.x);
  return mix(top, bottom, along.y);
}

// colour: sRGB as it is coded, 0 to 1. place: 0 to 1 from the picture's left and upper edge.
float3 enhance(float3 colour, float2 place, Cells cells, constant Guide& guide) {
  int3 size = int3(cells.get_width(), cells.get_height(), cells.get_depth() / 3);
  float3 at = float3(place, guide_of(colour, guide)) * float3(size) - 0.5f;
  int3 lower = clamp(int3(floor(at)), int3(0), size - 1);
  int3 upper = clamp(int3(floor(at)) + 1, int3(0), size - 1);
  float3 along = fract(at);
  float3 result;
  for (int c = 0; c < 3; c++) {
    float4 weights = mix(blend(cells, lower, upper, along, lower.z + size.z * c),
                         blend(cells, lower, upper, along, upper.z + size.z * c), along.z);
    result[c] = dot(weights, float4(colour, 1.0f));
  }
  return clamp(result, float3(0.0f), float3(1.0f));
}
