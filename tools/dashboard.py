"""`uv run python -m tools.dashboard`: writes the Grafana dashboard of a host, from the table of panels below.

A test holds the file to this table, and every expression to the metrics that a host really has.
"""

import json
from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = Path(__file__).parents[1] / "packages/omnibase_infra/deploy/grafana/onex-host.json"
_WIDTH: Final = 8
_HEIGHT: Final = 7


class Panel(NamedTuple):
    """A graph: its title, unit and expression; legend: the labels that tell its lines apart."""

    title: str
    unit: str
    expression: str
    legend: str = ""


PANELS: Final = (
    Panel("Requests", "reqps", "sum by (node) (rate(onex_envelopes_total[1m]))", "{{node}}"),
    Panel(
        "Errors", "reqps", 'sum by (node, code) (rate(onex_envelopes_total{code!="OK"}[1m]))', "{{node}} {{code}}"
    ),
    Panel(
        "Time from arrival to settlement, p99",
        "s",
        "histogram_quantile(0.99, sum by (le) (rate(onex_envelope_seconds_bucket[5m])))",
    ),
    Panel(
        "Wait for a lane, p99",
        "s",
        "histogram_quantile(0.99, sum by (le, node) (rate(onex_envelope_wait_seconds_bucket[5m])))",
        "{{node}}",
    ),
    Panel(
        "Work, p99",
        "s",
        "histogram_quantile(0.99, sum by (le, node) (rate(onex_envelope_work_seconds_bucket[5m])))",
        "{{node}}",
    ),
    Panel(
        "Handler attempts, p99",
        "s",
        "histogram_quantile(0.99, sum by (le, handler) (rate(onex_handler_call_seconds_bucket[5m])))",
        "{{handler}}",
    ),
    Panel(
        "Failed attempts",
        "reqps",
        'sum by (handler, code) (rate(onex_handler_calls_total{code!="OK"}[1m]))',
        "{{handler}} {{code}}",
    ),
    Panel("Retries", "reqps", "sum by (handler) (rate(onex_handler_retries_total[1m]))", "{{handler}}"),
    Panel("Breakers that are not closed", "short", 'onex_breaker_state{state!="closed"}', "{{handler}} {{state}}"),
    Panel("Lag", "short", "sum by (topic, partition) (onex_partition_lag)", "{{topic}} {{partition}}"),
    Panel("Outstanding", "short", "onex_partition_outstanding", "{{topic}} {{partition}}"),
    Panel("Oldest record on its way", "s", "onex_partition_oldest_seconds", "{{topic}} {{partition}}"),
    Panel(
        "Partitions that are paused",
        "short",
        "onex_partition_paused == 1",
        "{{topic}} {{partition}} {{cause}}",
    ),
    Panel("Settlements", "reqps", "sum by (settlement) (rate(onex_records_total[1m]))", "{{settlement}}"),
    Panel("Messages that wait to be published again", "short", "onex_republish_waiting"),
    Panel("Lanes", "short", "onex_lanes", "{{state}}"),
    Panel("Records that wait for a lane", "short", "onex_queued"),
    Panel("Commit, p99", "s", "histogram_quantile(0.99, sum by (le) (rate(onex_commit_seconds_bucket[5m])))"),
    Panel("Failures of the bus in a row", "short", "onex_bus_failures"),
    Panel("Clients rebuilt", "short", "increase(onex_bus_clients_rebuilt_total[5m])", "{{client}}"),
    Panel(
        "Parts that are not healthy", "short", 'onex_part_health{status!="healthy"} == 1', "{{part}} {{status}}"
    ),
    Panel("Answered from the inbox", "reqps", "rate(onex_handler_events_total[1m])", "{{handler}} {{event}}"),
    Panel("Event loop's lag", "s", "onex_loop_lag_seconds"),
    Panel("Tasks and threads", "short", '{__name__=~"onex_tasks|onex_threads"}', "{{__name__}}"),
    Panel("Memory", "bytes", "process_resident_memory_bytes"),
    Panel("CPU", "percentunit", "rate(process_cpu_seconds_total[1m])"),
)


def dashboard() -> str:
    """The dashboard's JSON."""
    datasource = {"type": "prometheus", "uid": "${datasource}"}
    panels = [
        {
            "id": number + 1,
            "type": "timeseries",
            "title": panel.title,
            "datasource": datasource,
            "gridPos": {"x": number % 3 * _WIDTH, "y": number // 3 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "targets": [{"refId": "A", "expr": panel.expression, "legendFormat": panel.legend or "{{instance}}"}],
        }
        for number, panel in enumerate(PANELS)
    ]
    whole = {
        "uid": "onex-host",
        "title": "ONEX Runtime Host",
        "schemaVersion": 39,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": panels,
    }
    return json.dumps(whole, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(dashboard())
    print(f"written: {FILE}")
