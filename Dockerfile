# One image for web, workers, beat and ingest; docker-compose.yml says which is which.
FROM python:3.12-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/app/.venv/bin:$PATH PUSHDASH_VAR=/var/lib/pushdash
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /var/lib/pushdash --create-home pushdash

COPY requirements.txt requirements.in ./
COPY bin/setup bin/fetch-redis bin/
COPY pushdash/__init__.py pushdash/binaries.py pushdash/
RUN bin/setup

COPY . .
# Nothing is written beside the code later: what is not compiled now, each process compiles.
RUN python -m compileall -q pushdash registrations notifications simulator \
    && PUSHDASH_VAR=/app/static-root python manage.py collectstatic --noinput -v0 \
    && mkdir -p /var/lib/pushdash && mv /app/static-root/static /var/lib/pushdash/static \
    && chown -R pushdash:pushdash /var/lib/pushdash

USER 10001
EXPOSE 8000
VOLUME /var/lib/pushdash
CMD ["uvicorn", "pushdash.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--timeout-graceful-shutdown", "3"]
