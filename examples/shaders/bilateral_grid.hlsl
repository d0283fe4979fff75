// A fivefold grid on the graphics processor: guide, slice, apply. HLSL of shader model 4 and later,
// as Unity and Unreal take it.

Texture3D<float4> cells; // RGBA32F: layer z + depth * c holds the four weights of output channel c

cbuffer Guide {
  float4 mixing[3];      // one row for each curve: red, green, blue, offset
  float4 slopes[16];     // one entry for each knot: its slope on the three curves
  float4 thresholds[16]; // likewise, where the slope sets in
  float4 bias;           // its x
};

float guideOf(float3 colour) {
  float4 extended = float4(colour, 1.0);
  float3 mixed =
      float3(dot(mixing[0], extended), dot(mixing[1], extended), dot(mixing[2], extended));
  float3 curves = float3(0.0, 0.0, 0.0);
  for (int i = 0; i < 16; i++) curves += slopes[i].xyz * max(mixed - thresholds[i].xyz, 0.0);
  return saturate(bias.x + (curves.x + curves.y + curves.z) / 3.0);
}

// Interpolation is written out: a sampler's own has only 8 bits of fraction, which shows as bands.
float4 blend(int3 lower, int3 upper, float3 along, int layer) {
  float4 top = lerp(cells.Load(int4(lower.x, lower.y, layer, 0)),
                    cells.Load(int4(upper.x, lower.y, layer, 0)), along.x);
  float4 bottom = lerp(cells.Load(int4(lower.x, upper.y, layer, 0)),
                       cells.Load(int4(upper.x, upper.y, layer, 0)), along.x);
  return lerp(top, bottom, along.y);
}

float channel(int first, int3 lower, int3 upper, float3 along, float3 colour) {
  float4 weights = lerp(blend(lower, upper, along, first + lower.z),
                        blend(lower, upper, along, first + upper.z), along.z);
  return dot(weights, float4(colour, 1.0));
}

// colour: sRGB as it is coded, 0 to 1. place: 0 to 1 from the picture's left and upper edge.
float3 enhance(float3 colour, float2 place) {
  uint width, height, layers;
  cells.GetDimensions(width, height, layers);
  int3 size = int3(width, height, layers / 3);
  float3 at = float3(place, guideOf(colour)) * float3(size) - 0.5;
  int3 lower = clamp(int3(floor(at)), int3(0, 0, 0), size - 1);
  int3 upper = clamp(int3(floor(at)) + 1, int3(0, 0, 0), size - 1);
  float3 along = frac(at);
  return saturate(float3(channel(0, lower, upper, along, colour),
                         channel(size.z, lower, upper, along, colour),
                         channel(2 * size.z, lower, upper, along, colour)));
}
