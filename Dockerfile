# The page and the HTTP API, or any other command:
#   docker build -t fivefold .
#   docker run --rm -p 127.0.0.1:8555:8555 fivefold
#   docker run --rm --user "$(id -u)" -v "$PWD:/photos" fivefold enhance holiday -o enhanced

FROM python:3.13-slim-trixie AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY constraints.txt pyproject.toml CMakeLists.txt README.md LICENSE ./
COPY csrc csrc
COPY src src
ENV PIP_CONSTRAINT=/source/constraints.txt \
    PIP_BUILD_CONSTRAINT=/source/constraints.txt \
    PIP_NO_CACHE_DIR=1
# A wheel without compiled kernels has another name, so that the second line would not find it.
RUN python -m pip wheel --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/fivefold \
    && /opt/fivefold/bin/python -m pip install \
        "fivefold[heif,raw,web] @ file://$(ls /wheels/fivefold-*-abi3-*.whl)"

FROM python:3.13-slim-trixie
RUN useradd --create-home --uid 10001 fivefold \
    && install --directory --owner fivefold /photos
COPY --from=build /opt/fivefold /opt/fivefold
ENV PATH=/opt/fivefold/bin:$PATH
USER 10001
WORKDIR /photos
EXPOSE 8555
HEALTHCHECK --start-period=10s --interval=30s --timeout=5s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8555/health')"]
ENTRYPOINT ["fivefold"]
CMD ["serve", "--host", "0.0.0.0", "--no-open"]
