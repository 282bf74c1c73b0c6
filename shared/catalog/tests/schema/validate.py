"""Holds documents against a JSON Schema as an editor does.

Reads one JSON object: {"schema": ..., "documents": {name: document}}. Writes {name: [what is wrong and where]}, for every
document, after having held the schema itself against the schema of schemas.
"""

import json
import sys

from jsonschema import Draft202012Validator


def told(error):
    """The place of an error and what it says, and the same of the alternatives that came nearest."""
    inner = [told(cause) for cause in sorted(error.context, key=lambda cause: -len(cause.absolute_path))[:3]]
    return " / ".join([f"{error.json_path}: {error.message[:200]}", *inner])


given = json.load(sys.stdin)
Draft202012Validator.check_schema(given["schema"])
validator = Draft202012Validator(given["schema"])
found = {name: [told(error) for error in validator.iter_errors(document)] for name, document in given["documents"].items()}
json.dump(found, sys.stdout)
