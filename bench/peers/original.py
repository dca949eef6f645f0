"""Records a gauge of the original, over its IPC proxy, and prints nanoseconds per call of each block as JSON."""

import json
import sys
import time

from multistorageclient import telemetry

url, calls, blocks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def main() -> None:
    config = {
        "exporter": {"type": "otlp", "options": {"endpoint": url}},
        "reader": {"options": {"collect_interval_millis": 100, "export_interval_millis": 1000}},
    }
    server = telemetry.init(mode=telemetry.TelemetryMode.SERVER)
    gauge = server.gauge(config, telemetry.Telemetry.GaugeName.LATENCY)
    if gauge is None:
        raise SystemExit("no gauge: its exporter cannot be used")
    operations = ["read", "write", "list", "delete"]
    sets = [
        {
            "multistorageclient.provider": "s3",
            "multistorageclient.operation": operations[number % 4],
            "multistorageclient.status": "success",
            "multistorageclient.version": "0.1.0",
            "storage.bucket": f"bucket-{number // 4}",
            "cloud.region": "eu-central-1",
            "host.name": "worker-17",
        }
        for number in range(100)
    ]
    runs = []
    for block in range(blocks + 1):
        started = time.perf_counter_ns()
        for call in range(calls):
            gauge.set(call, sets[call % 100])
        runs.append((time.perf_counter_ns() - started) / calls)
    print(json.dumps(runs[1:]))


if __name__ == "__main__":
    main()
