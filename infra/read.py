"""Prints a SAM template as JSON, with short forms like !Ref spelt out, for tests to look into."""

import json
import sys

from samtranslator.yaml_helper import yaml_parse

with open(sys.argv[1], encoding="utf-8") as template:
    print(json.dumps(yaml_parse(template.read())))
