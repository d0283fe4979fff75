// Reads sizes, guide, texels and a photo from standard input, and writes the photo enhanced. The
// shader comes before this file by the compiler's option -include.
#include <cstdio>
#include <vector>

template <typename T>
static std::vector<T> take(size_t count) {
  std::vector<T> values(count);
  if (std::fread(values.data(), sizeof(T), count, stdin) != count) std::exit(1);
  return values;
}

int main() {
  const auto sizes = take<int>(5);
  const auto guide = take<Guide>(1);
  const auto texels = take<float4>(size_t(sizes[0]) * sizes[1] * sizes[2]);
  const auto photo = take<float4>(size_t(sizes[3]) * sizes[4]);
  const Cells cells{texels.data(), uint(sizes[0]), uint(sizes[1]), uint(sizes[2])};
  for (int y = 0; y < sizes[4]; y++) {
    for (int x = 0; x < sizes[3]; x++) {
      const float2 place{(x + 0.5f) / sizes[3], (y + 0.5f) / sizes[4]};
      const float3 done = enhance(photo[size_t(y) * sizes[3] + x].xyz, place, cells, guide[0]);
      std::fwrite(&done, sizeof(float), 3, stdout);
    }
  }
}
