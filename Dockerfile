# The service as one image: no build tools, no package installer, an ordinary numeric user, and nothing
# that must be writable but /tmp and /dev/shm. MongoDB and Redis are other containers' business.
#
# The base. Debian's slim variant, because PyMongo publishes no wheels for musl. The tag names the minor
# version of Python and no more: what the requirements were resolved for stays the same, while fixes of
# Python and Debian arrive with every build. A tag with the patch version would keep them out, as it is
# no longer rebuilt once its successor is there. Dependabot proposes the next minor version.

FROM python:3.13-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

# `strip`, below. This stage is thrown away, so its version cannot matter to the result.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils \
    && rm -rf /var/lib/apt/lists/*

# Without pip: the base's pip installs into the environment from outside and stays behind.
RUN python -m venv --without-pip /opt/venv

# Before the code, so that a change of the code alone finds this layer in the cache. Hashes: what is
# installed is what was locked. Wheels only: nothing runs code of a package while the image is built.
COPY requirements.txt requirements-tracing.txt /build/
RUN python -m pip --python /opt/venv/bin/python install --no-compile --require-hashes \
        --no-deps --only-binary :all: --requirement /build/requirements.txt

# An extra, for whoever wants traces: --build-arg TRACING=on.
ARG TRACING=off
RUN if [ "$TRACING" = on ]; then \
        python -m pip --python /opt/venv/bin/python install --no-compile --require-hashes \
            --no-deps --only-binary :all: --requirement /build/requirements-tracing.txt; \
    fi

# What the libraries do not need in order to run: their tests, C and Cython sources, type stubs, debug
# symbols, the unbundled copy of Swagger UI, GridFS, and gevent's second event loop and second resolver,
# which only an environment variable of its own would choose. Then their bytecode takes the place of
# their sources: no process has to compile it at its start, seconds each, as the file system is read-only,
# and tracebacks still name file, line and function. The import at the end proves that all of it survived.
RUN cd /opt/venv/lib/python3.*/site-packages \
    && find . -type d -name tests -prune -exec rm -rf {} + \
    && rm -rf flask_swagger_ui/dist/swagger-ui.js gevent/libuv gevent/resolver/cares.*.so gevent/testing gridfs \
    && find . -type f \( -name '*.c' -o -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.asm' \
        -o -name '*.obj' -o -name '*.px[di]' -o -name '*.py[ix]' -o -name '*.map' \) -delete \
    && find . -type f -name '*.so*' -exec strip --strip-unneeded {} + \
    && python -m compileall -q -b --invalidation-mode unchecked-hash . \
    && find . -type f -name '*.py' -delete \
    && PYTHONDONTWRITEBYTECODE=1 /opt/venv/bin/python -c 'from gevent import monkey; monkey.patch_all(); \
import apispec, dns.resolver, flask, flask_swagger_ui, gunicorn.app.wsgiapp, gunicorn.workers.ggevent, \
gunicorn.workers.gthread, hiredis, marshmallow, orjson, pymongo, redis, standardwebhooks, structlog' \
    && if [ "$TRACING" = on ]; then PYTHONDONTWRITEBYTECODE=1 /opt/venv/bin/python -c \
        'import opentelemetry.exporter.otlp.proto.http.trace_exporter, opentelemetry.sdk.trace'; fi

# The code keeps its sources: its own tracebacks are the ones that are read.
COPY wsgi.py gunicorn.conf.py /srv/
COPY bin /srv/bin
COPY inventory /srv/inventory
RUN chmod -R a+rX /srv && python -m compileall -q --invalidation-mode checked-hash /srv


FROM python:3.13-slim

# Nothing in the running container may install packages. Both places where a Python on Debian keeps its
# installers; the standard library is all that stays. The user has a number, so that an orchestrator can
# see that it is not root, and a name for the sake of whatever asks for one; it owns no file.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/* /usr/local/lib/python3.*/ensurepip \
        /usr/bin/pip* /usr/lib/python3/dist-packages/* /usr/lib/python3.*/ensurepip /usr/share/python-wheels \
    && echo 'inventory:x:10001:10001::/nonexistent:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'inventory:x:10001:' >> /etc/group

# The libraries change seldom, the code often: two layers.
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv /srv

# A container's loopback reaches nobody, so the service listens on all addresses here, on $PORT or 8000.
ENV PATH=/srv/bin:/opt/venv/bin:$PATH \
    INVENTORY_HOST=0.0.0.0 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONUNBUFFERED=1
WORKDIR /srv
USER 10001:10001
EXPOSE 8000

# /healthz says that the process is up and touches nothing else: a database that is away must not get the
# service restarted. A bare socket and no `site`, as this process starts every few seconds.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import os, socket; s = socket.create_connection(('127.0.0.1', int(os.environ.get('PORT') or 8000)), 2); s.sendall(b'GET /healthz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n'); raise SystemExit(b' 200 ' not in s.recv(64))"]

# gunicorn finishes the requests that it has begun, for up to 25 s: give it more than that to stop.
STOPSIGNAL SIGTERM
CMD ["python", "-m", "inventory", "serve", "--wait", "60"]

# Last, because the revision changes with every build and everything above need not.
ARG REVISION=unknown
LABEL org.opencontainers.image.title="inventory" \
      org.opencontainers.image.description="Inventory stock API that never oversells" \
      org.opencontainers.image.revision="$REVISION"
