"""``relasi sources``: who may send events over HTTP, and what to write into a page or a program."""

import argparse
import sys
from pathlib import Path
from typing import Final

from streams.settings import FILE, SettingsError, load_sources
from streams.texts import read_text

_BROWSER: Final = """
In each page, before </head>:

  <script src="{host}/v1/relasi.js?writeKey={key}"></script>

Then, wherever something happens (page views are sent without a word):

  window.analytics.track("Product Viewed", {{ product_id: "TEA-7", price: 12.5 }});
  window.analytics.identify("customer-4711");

Or with a package of npm:

  @segment/analytics-next
    import {{ AnalyticsBrowser }} from "@segment/analytics-next";
    const analytics = AnalyticsBrowser.load({{ writeKey: "{key}", cdnURL: "{host}" }});
    analytics.track("Product Viewed", {{ product_id: "TEA-7", price: 12.5 }});

  @rudderstack/analytics-js
    import {{ RudderAnalytics }} from "@rudderstack/analytics-js/bundled";
    const analytics = new RudderAnalytics(); analytics.load("{key}", "{host}", {{ configUrl: "{host}" }});
    analytics.track("Product Viewed", {{ product_id: "TEA-7", price: 12.5 }});

  @jitsu/js
    import {{ jitsuAnalytics }} from "@jitsu/js";
    const analytics = jitsuAnalytics({{ host: "{host}", writeKey: "{key}:x" }});
    analytics.track("Product Viewed", {{ product_id: "TEA-7", price: 12.5 }});
"""
_SERVER: Final = """
Keep this key secret: it may tell of every customer. In a program:

  @segment/analytics-node
    import {{ Analytics }} from "@segment/analytics-node";
    const analytics = new Analytics({{ writeKey: "{key}", host: "{host}" }});
    analytics.track({{ userId: "customer-4711", event: "Order Completed", properties: {{ revenue: 25 }} }});

  @rudderstack/rudder-sdk-node
    import RudderAnalytics from "@rudderstack/rudder-sdk-node";
    const analytics = new RudderAnalytics("{key}", {{ dataPlaneUrl: "{host}" }});
    analytics.track({{ userId: "customer-4711", event: "Order Completed", properties: {{ revenue: 25 }} }});

  segment-analytics-python
    import segment.analytics as analytics
    analytics.write_key, analytics.host = "{key}", "{host}"
    analytics.track("customer-4711", "Order Completed", {{"revenue": 25, "currency": "EUR"}})

  rudder-sdk-python
    import rudderstack.analytics as analytics
    analytics.write_key, analytics.dataPlaneUrl = "{key}", "{host}"
    analytics.track("customer-4711", "Order Completed", {{"revenue": 25, "currency": "EUR"}})

  curl -u {key}: {host}/v1/track -H 'content-type: application/json' \\
    -d '{{"userId": "customer-4711", "event": "Order Completed", "properties": {{"revenue": 25, "currency": "EUR"}}}}'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help=f"settings (default {FILE})")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add = actions.add_parser("add", help="make a source with a new key, and show what to do with it")
    add.add_argument("name", metavar="NAME", help="small letters, digits, - and _")
    kind = add.add_mutually_exclusive_group(required=True)
    kind.add_argument("--browser", action="store_true", help="its key is seen by everybody: pages and apps")
    kind.add_argument("--server", action="store_true", help="its key is secret: programs of the firm")
    add.add_argument(
        "--origin", action="append", default=[], metavar="URL", help="pages that may send, such as https://shop.example"
    )
    add.add_argument(
        "--host", default="http://127.0.0.1:8080", metavar="URL", help="where the collector will be reached"
    )


def run(args: argparse.Namespace) -> int:
    """List the sources, or add one: 0 done, 2 a setting is wrong."""
    try:
        return _add(args) if args.action == "add" else _list(args)
    except (SettingsError, OSError) as error:
        sys.stderr.write(f"relasi: {error}\n")
        return 2


def _list(args: argparse.Namespace) -> int:
    from streams.collector.sources import sources_of

    table, path = load_sources(args.settings)
    sources = sources_of(table, path)
    for source in sources.all:
        origins = ", ".join(source.origins) if not source.trusted else ""
        # A secret is not shown to whoever looks over a shoulder.
        key = f"{source.key[:6]}…" if source.trusted else source.key
        sys.stdout.write(f"{source.name}  {source.kind}  {key}  {origins}".rstrip() + "\n")
    if not sources.all:
        sys.stdout.write(f"{path} has no sources; `relasi sources add NAME --browser` or --server makes one\n")
    return 0


def _add(args: argparse.Namespace) -> int:
    from streams.collector.sources import BROWSER, SERVER, new_key, sources_of

    kind = BROWSER if args.browser else SERVER
    table, path = load_sources(args.settings, new=True)
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: sources is no table; write [sources.NAME] for each source")
    if args.name in table:
        raise SettingsError(f"{path}: there is a [sources.{args.name}] already; choose another name")
    if args.origin and kind == SERVER:
        raise SettingsError("--origin is of pages; a server's key is never sent by one")
    key = new_key(kind)
    made = {"key": key, "kind": kind} | ({"origins": args.origin} if args.origin else {})
    # Whatever is wrong, of the new one or of those there, is told before anything is written.
    sources_of({**table, args.name: made}, path)
    _append(Path(path), args.name, made)
    sys.stdout.write(f"{path}: added [sources.{args.name}] with the key {key}\n")
    if kind == BROWSER and not args.origin:
        sys.stdout.write('Pages of any origin may send with it; `origins = ["https://shop.example"]` says which may.\n')
    sys.stdout.write((_BROWSER if kind == BROWSER else _SERVER).format(key=key, host=args.host.rstrip("/")))
    return 0


def _append(path: Path, name: str, made: dict[str, object]) -> None:
    """Write the table behind what the file has: comments and order stay as somebody has written them."""
    before = read_text(path) if path.exists() else ""
    lines = [f"[sources.{name}]"]
    for setting, value in made.items():
        shown = ", ".join(f'"{each}"' for each in value) if isinstance(value, list) else f'"{value}"'
        lines.append(f"{setting} = [{shown}]" if isinstance(value, list) else f"{setting} = {shown}")
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    new = not path.exists()
    with path.open("a", encoding="utf-8") as file:
        file.write(gap + "\n".join(lines) + "\n")
    if new:
        # It holds secrets.
        path.chmod(0o600)
