# A machine that runs the morning unattended: `docker build -t risk .`, then
# `docker run --env-file .env -v risk:/data risk`; any other target may follow.
# `make lock` adds the digest of the image that this is today.
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 make \
    && rm -rf /var/lib/apt/lists/*

RUN useradd --create-home risk \
    && mkdir /data /app \
    && chown risk /data /app
USER risk
WORKDIR /app

# The pins first: code changes more often than they do.
COPY --chown=risk Makefile requirements.txt ./
# Compiled here once, not by each container.
RUN make .venv/runtime && .venv/bin/python -m compileall -q -j 0 .venv/lib
COPY --chown=risk . .
# A fresh checkout's pins look newer than a kept layer; nothing is installed at a start.
RUN make setup

ENV RISK_HOME=/data
VOLUME /data
ENTRYPOINT ["make", "--no-print-directory"]
CMD ["daily"]
