"""The command `models`: the models of the running server, loaded and unloaded."""

from __future__ import annotations

import argparse
import json
from typing import Any

from realtime.cli.options import add_settings_options, settings_of
from realtime.cli.running_server import RunningServer
from realtime.cli.units import seconds_in_words, size
from realtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, title="actions")
    listing = actions.add_parser("ls", help="list the models and their state")
    listing.add_argument("--json", action="store_true", help="print what the server answers")
    load = actions.add_parser("load", help="load models by their ids")
    load.add_argument("ids", nargs="+", metavar="ID")
    unload = actions.add_parser("unload", help="free the memory of models")
    unload.add_argument("ids", nargs="*", metavar="ID", help="ids; none with --all")
    unload.add_argument("--all", action="store_true", help="every model that is loaded")
    unload.add_argument("--force", action="store_true", help="also models that are in use")
    add_settings_options(listing, load, unload)


def run(options: argparse.Namespace) -> int:
    return models(options, settings_of(options))


def models(options: argparse.Namespace, settings: Settings) -> int:
    """List, load or unload; 1 when one of several models stays as it is."""
    server = RunningServer(settings)
    if options.action == "ls":
        return _list(server, options.json)
    if options.action == "unload" and options.all:
        return _unload_all(server, options.force)
    for id in options.ids:
        wanted = {"id": id} if options.action == "load" else {"id": id, "force": options.force}
        print(_line(server.post(f"/api/models/{options.action}", wanted)))
    return 0


def _list(server: RunningServer, as_json: bool) -> int:
    answer = server.get("/api/models")
    if as_json:
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return 0
    for model in answer["models"]:
        print(_line(model))
    return 0


def _unload_all(server: RunningServer, force: bool) -> int:
    outcomes = server.post("/api/models/unload-all", {"force": force})
    for id, outcome in outcomes.items():
        print(f"{id}: {'unloaded' if outcome is True else outcome}")
    return 0 if all(outcome is True for outcome in outcomes.values()) else 1


def _line(model: dict[str, Any]) -> str:
    """Describe a model in one line."""
    facts = [f"{model['id']}: {model['state']} on {model['device']}"]
    if model["memory_bytes"]:
        facts.append(size(model["memory_bytes"]))
    elif model["state"] == "unloaded" and model["estimated_bytes"]:
        facts.append(f"about {size(model['estimated_bytes'])}")
    if model["users"]:
        facts.append(f"used by {', '.join(model['users'])}")
    if model["unloads_in_s"] is not None:
        facts.append(f"unloads in {seconds_in_words(model['unloads_in_s'])}")
    if model["error"]:
        facts.append(model["error"])
    return ", ".join(facts)
