FROM python:3.13-slim
WORKDIR /app
COPY pyproject.toml README.md LICENSE ./
COPY clients/python clients/python
COPY server server
COPY edge edge
RUN pip install --no-cache-dir . && useradd --create-home understudy && install -d -o understudy /data
USER understudy
EXPOSE 3500 50051
CMD ["understudy", "serve"]
