"""Peers of the client bench that are no dependency of ours: libcurl by pycurl, and npm's
@parse/node-apn. Each plays where it is installed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import time
import uuid
from collections import deque
from importlib import import_module
from importlib.util import find_spec

from notifications.apns import Key
from notifications.apns.provider_token import sign
from simulator.tls import make_identity

NODE = """
const apn = require('@parse/node-apn'), fs = require('fs'), crypto = require('crypto');
const [folder, port, pushes, atOnce, token, topic, payload] = process.argv.slice(1);
const ids = JSON.parse(fs.readFileSync(folder + '/identity.json'));
const provider = new apn.Provider({
  token: {key: fs.readFileSync(folder + '/AuthKey.p8'), keyId: ids.key_id, teamId: ids.team_id},
  address: 'localhost', port: +port, ca: [fs.readFileSync(folder + '/ca.pem')],
});
const said = JSON.parse(payload), expiry = Math.floor(Date.now() / 1000) + 3600;
async function send() {
  const push = new apn.Notification();
  Object.assign(push, {topic, expiry, pushType: 'voip', priority: 10, rawPayload: said});
  push.id = crypto.randomUUID();
  const result = await provider.send(push, token);
  if (result.failed.length) throw new Error(JSON.stringify(result.failed[0]));
}
(async () => {
  await send();
  let left = +pushes;
  const waits = [], cpu = process.cpuUsage(), started = process.hrtime.bigint();
  const sender = async () => {
    while (left-- > 0) {
      const from = process.hrtime.bigint();
      await send();
      waits.push(Number(process.hrtime.bigint() - from) / 1e6);
    }
  };
  await Promise.all(Array.from({length: +atOnce}, sender));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const used = process.cpuUsage(cpu);
  waits.sort((a, b) => a - b);
  console.log(JSON.stringify({
    per_second: pushes / seconds, cpu_us: (used.user + used.system) / pushes,
    p50_ms: waits[waits.length >> 1], p99_ms: waits[Math.floor(waits.length * 0.99)],
  }));
  process.exit(0);
})();
"""


def node_apn(given: argparse.Namespace, token: str, topic: str, payload: dict) -> dict:
    """One round of @parse/node-apn."""
    folder = str(given.folder / "apns")
    numbers = [str(given.port), str(given.pushes), str(given.at_once)]
    command = ["node", "-e", NODE, folder, *numbers, token, topic, json.dumps(payload)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def libcurl(given: argparse.Namespace, token: str, topic: str, payload: dict) -> dict:
    """One round of libcurl's multi interface on one HTTP/2 connection."""
    pycurl = import_module("pycurl")
    identity = make_identity(given.folder / "apns")
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    jwt, body = sign(key, int(time.time())).text, json.dumps(payload).encode()
    fixed = [f"authorization: bearer {jwt}", f"apns-topic: {topic}"]
    fixed += ["apns-push-type: voip", "apns-priority: 10", "apns-expiration: 0"]

    def handle():
        one = pycurl.Curl()
        one.setopt(pycurl.URL, f"https://localhost:{given.port}/3/device/{token}")
        one.setopt(pycurl.CAINFO, str(identity.folder / "ca.pem"))
        one.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        one.setopt(pycurl.PIPEWAIT, 1)
        one.setopt(pycurl.POSTFIELDS, body)
        one.setopt(pycurl.WRITEFUNCTION, len)
        return one

    multi, free = pycurl.CurlMulti(), deque(handle() for _ in range(given.at_once))
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
    waits: list[float] = []
    begun_at: dict = {}
    left, cpu, started = given.pushes, _cpu(), time.perf_counter()
    while left or begun_at:
        while left and free:
            one, left = free.popleft(), left - 1
            one.setopt(pycurl.HTTPHEADER, [*fixed, f"apns-id: {uuid.uuid4()}"])
            begun_at[one] = time.perf_counter()
            multi.add_handle(one)
        multi.perform()
        _, done, failed = multi.info_read()
        for one in done:
            assert one.getinfo(pycurl.RESPONSE_CODE) == 200
            waits.append(time.perf_counter() - begun_at.pop(one))
            multi.remove_handle(one)
            free.append(one)
        assert not failed, failed
        if not done:
            multi.select(0.05)
    seconds, cpu = time.perf_counter() - started, _cpu() - cpu
    waits.sort()
    return {
        "per_second": given.pushes / seconds,
        "cpu_us": cpu / given.pushes * 1e6,
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[int(len(waits) * 0.99)] * 1000,
    }


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def installed() -> dict:
    """Name → how to play it, of those that are here. NODE_PATH names node's packages."""
    found = {}
    if find_spec("pycurl"):
        found["libcurl"] = libcurl
    there = os.environ.get("NODE_PATH", "")
    if shutil.which("node") and os.path.isdir(f"{there}/@parse/node-apn"):
        found["node-apn"] = node_apn
    return found
