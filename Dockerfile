# One image for `serve`, `core` and `edge`. It runs as nobody in particular and writes to /data only, so its file
# system can be read-only (docker-compose.yml shows how).
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY clients/python clients/python
COPY server server
COPY edge edge
RUN python -m venv /app && /app/bin/pip install --no-cache-dir ".[cosmos,object-store,postgres]"

FROM python:3.13-slim
COPY --from=build /app /app
RUN useradd --uid 10001 --no-create-home understudy && install -d -o understudy -m 700 /data /data/files
# A container is reached from outside only at its own address; what of it is published is the engine's affair, and so
# is TLS, unless UNDERSTUDY_TLS_CERTIFICATE and UNDERSTUDY_TLS_KEY are set.
ENV PATH=/app/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    UNDERSTUDY_DATA=/data \
    UNDERSTUDY_GRPC=0.0.0.0:50051 \
    UNDERSTUDY_HOST=0.0.0.0 \
    UNDERSTUDY_PLAIN_TEXT=true \
    UNDERSTUDY_PORT=3500
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 3500 50051
# Of `serve` and `edge`; a core alone has no REST face and needs a check of its own.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"UNDERSTUDY_PORT\"]}/ready', timeout=4)"]
CMD ["understudy", "serve"]
