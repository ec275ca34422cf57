# The model server, with the built-in model and its critic. Built from the repository's root:
#   docker build -f docker/modelserver.Dockerfile -t ratchet-modelserver .
# For NVIDIA GPUs: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128

FROM python:3.11.14-slim-bookworm
ARG TORCH_VERSION=2.9.1
# Builds without CUDA are a tenth of the size.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install "torch==${TORCH_VERSION}" --index-url "${TORCH_INDEX}"
WORKDIR /app
COPY modelserver ./modelserver
# The version stays what the line above chose: an upgrade would come from another index, with CUDA.
RUN pip install "torch==${TORCH_VERSION}" ./modelserver

# Owned by the server's user, so that a volume mounted there is too.
RUN useradd --system --uid 10001 --create-home ratchet \
    && mkdir -p /var/lib/ratchet/modelserver \
    && chown ratchet /var/lib/ratchet/modelserver
USER 10001
VOLUME /var/lib/ratchet/modelserver
EXPOSE 8111
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8111/health', timeout=4).read()"]
ENTRYPOINT ["python", "-m", "ratchet_modelserver", "--host", "0.0.0.0", "--port", "8111", "--data", "/var/lib/ratchet/modelserver"]
CMD []
