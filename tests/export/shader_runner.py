"""Run a shader of examples/shaders over a photo, in a process of its own.

``python shader_runner.py glsl|wgsl|hlsl GIVEN.npz RESULT.npy``. Graphics drivers bring libraries
along (LLVM among them) that do not go with others of the tests' process. Leaves with ``NO_DEVICE``
and a line on stderr where nothing can run it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import numpy as np

SHADERS = Path(__file__).parents[2] / "examples/shaders"
NO_DEVICE = 77

GLSL_MAIN = """
uniform sampler2D photo;
out vec4 fragment;
void main() {
  vec2 size = vec2(textureSize(photo, 0));
  vec3 colour = texelFetch(photo, ivec2(gl_FragCoord.xy), 0).rgb;
  fragment = vec4(enhance(colour, gl_FragCoord.xy / size), 1.0);
}
"""
GLSL_VERTEX = """#version 330
void main() {
  vec2 corner = vec2(float((gl_VertexID & 1) << 2), float((gl_VertexID & 2) << 1)) - 1.0;
  gl_Position = vec4(corner, 0.0, 1.0);
}
"""
WGSL_MAIN = """
@group(0) @binding(2) var photo: texture_2d<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<vec4f>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = textureDimensions(photo);
  if (any(id.xy >= size)) { return; }
  let colour = textureLoad(photo, id.xy, 0).rgb;
  let place = (vec2f(id.xy) + 0.5) / vec2f(size);
  result[id.y * size.x + id.x] = vec4f(enhance(colour, place), 1.0);
}
"""

HLSL_MAIN = """
Texture2D<float4> photo;
RWStructuredBuffer<float4> result;

[numthreads(8, 8, 1)] void main(uint3 id : SV_DispatchThreadID) {
  uint width, height;
  photo.GetDimensions(width, height);
  if (id.x >= width || id.y >= height) return;
  float3 colour = photo.Load(int3(id.xy, 0)).rgb;
  float2 place = (float2(id.xy) + 0.5) / float2(width, height);
  result[id.y * width + id.x] = float4(enhance(colour, place), 1.0);
}
"""


def no_device(reason: object) -> NoReturn:
    sys.stderr.write(f"{reason}\n")
    sys.exit(NO_DEVICE)


def by_glsl(pixels: np.ndarray, texels: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Draw the photo enhanced, in a window of its size that nobody sees."""
    import moderngl

    try:
        context = moderngl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:
        no_device(f"no OpenGL: {error}")
    with context:
        shader = (SHADERS / "bilateral_grid.glsl").read_text()
        program = context.program(GLSL_VERTEX, f"#version 330\n{shader}{GLSL_MAIN}")
        height, width, _ = pixels.shape
        layers, rows, columns, _ = texels.shape
        cells = context.texture3d((columns, rows, layers), 4, texels, dtype="f4")
        photo = context.texture((width, height), 4, pixels, dtype="f4")
        for place, texture in enumerate((cells, photo)):
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
            texture.use(place)
        program["cells"], program["photo"] = 0, 1
        context.buffer(block).bind_to_uniform_block(0)
        program["Guide"].binding = 0
        target = context.texture((width, height), 4, dtype="f4")
        context.framebuffer([target]).use()
        context.vertex_array(program, []).render(moderngl.TRIANGLES, vertices=3)
        drawn = np.frombuffer(target.read(), np.float32).reshape(height, width, 4)
    return drawn[..., :3]


def by_wgsl(pixels: np.ndarray, texels: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Compute the photo enhanced by the WGSL shader."""
    code = (SHADERS / "bilateral_grid.wgsl").read_text() + WGSL_MAIN
    return by_webgpu(code, pixels, texels, block)


def by_hlsl(pixels: np.ndarray, texels: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Compute the photo enhanced by the HLSL shader, compiled to SPIR-V by glslang."""
    compiler = shutil.which("glslangValidator") or shutil.which("glslang")
    if compiler is None:
        no_device("no glslang")
    with tempfile.TemporaryDirectory() as folder:
        source, code = Path(folder, "shader.hlsl"), Path(folder, "shader.spv")
        source.write_text((SHADERS / "bilateral_grid.hlsl").read_text() + HLSL_MAIN)
        flags = ["-D", "-V", "-S", "comp", "-e", "main", "--auto-map-bindings", "--quiet"]
        subprocess.run([compiler, *flags, "-o", code, source], check=True)
        return by_webgpu(code.read_bytes(), pixels, texels, block)


def by_webgpu(
    code: str | bytes, pixels: np.ndarray, texels: np.ndarray, block: np.ndarray
) -> np.ndarray:
    """Run a compute shader, WGSL or SPIR-V, on the first adapter there is."""
    import wgpu

    adapters = wgpu.gpu.enumerate_adapters_sync()
    if not adapters:
        no_device("no adapter for WebGPU")
    device = adapters[0].request_device_sync()
    module = device.create_shader_module(code=code)
    pipeline = device.create_compute_pipeline(
        layout="auto", compute={"module": module, "entry_point": "main"}
    )
    height, width, _ = pixels.shape
    layers, rows, columns, _ = texels.shape

    def texture(data: np.ndarray, size: tuple[int, int, int], dimension: str) -> object:
        usage = wgpu.TextureUsage.TEXTURE_BINDING | wgpu.TextureUsage.COPY_DST
        made = device.create_texture(
            size=size, usage=usage, dimension=dimension, format="rgba32float"
        )
        strides = {"bytes_per_row": 16 * size[0], "rows_per_image": size[1]}
        device.queue.write_texture({"texture": made}, np.ascontiguousarray(data), strides, size)
        return made.create_view()

    result = device.create_buffer(
        size=16 * width * height, usage=wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC
    )
    guide = device.create_buffer_with_data(data=block, usage=wgpu.BufferUsage.UNIFORM)
    resources = [
        texture(texels, (columns, rows, layers), "3d"),
        {"buffer": guide},
        texture(pixels, (width, height, 1), "2d"),
        {"buffer": result},
    ]
    bindings = device.create_bind_group(
        layout=pipeline.get_bind_group_layout(0),
        entries=[{"binding": i, "resource": r} for i, r in enumerate(resources)],
    )
    encoder = device.create_command_encoder()
    work = encoder.begin_compute_pass()
    work.set_pipeline(pipeline)
    work.set_bind_group(0, bindings)
    work.dispatch_workgroups(-(-width // 8), -(-height // 8))
    work.end()
    device.queue.submit([encoder.finish()])
    computed = np.frombuffer(device.queue.read_buffer(result), np.float32)
    return computed.reshape(height, width, 4)[..., :3]


if __name__ == "__main__":
    language, given, result = sys.argv[1:]
    run = {"glsl": by_glsl, "wgsl": by_wgsl, "hlsl": by_hlsl}[language]
    with np.load(given) as arrays:
        np.save(result, run(arrays["pixels"], arrays["texels"], arrays["block"]))
