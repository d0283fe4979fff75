"""The service described for programs: OpenAPI 3.1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fivefold.runtime.enhancer import STRENGTH_LIMIT
from fivefold.web import grid_format, metrics, problems
from fivefold.web.parameters import BIT_DEPTHS, FORMATS, LARGEST_SIDE_PX, MEDIA_TYPES
from fivefold.web.settings import Settings

Json = dict[str, Any]

_REASONS = {
    "400": "A parameter or the form is wrong.",
    "401": "The token is missing or wrong.",
    "403": "The request comes from another site's page.",
    "408": "The photo was sent too slowly.",
    "413": "The file or the photo is too large.",
    "415": "A photo of a kind that is not handled.",
    "421": "The service does not answer to this host name.",
    "422": "Not a photo, or a damaged one.",
    "500": "Something went wrong in the service.",
    "503": "Too many photos at a time; `Retry-After` says when to try again.",
    "504": "The photo took too long.",
}


def describe(experts: Sequence[str], settings: Settings, blendable: Sequence[str] = ()) -> Json:
    """The document at ``/openapi.json``.

    Args:
        experts: What the parameter ``expert`` may be, the default first.
        settings: Whose limits stand in the text.
        blendable: Those of the experts that can be part of a blend.
    """
    from fivefold import __version__

    expert = _expert(experts, blendable)
    document: Json = {
        "openapi": "3.1.0",
        "info": {
            "title": "fivefold",
            "version": __version__,
            "description": "Enhances photos at full resolution. Nothing is kept after an answer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/enhance": {"post": _enhance(expert, settings)},
            "/grid": {"post": _grid(expert, settings)},
            "/preview": {"post": _preview(settings)},
            "/check": {"post": _check(settings)},
            "/health": {"get": _health()},
            "/metrics": {"get": _metrics()},
        },
        "components": {
            "schemas": {"Problem": _PROBLEM, "Health": _HEALTH},
            "responses": {status: _problem(status) for status in _REASONS},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    if settings.token is not None:
        for path in ("/enhance", "/grid", "/preview", "/check", "/metrics"):
            for operation in document["paths"][path].values():
                operation["security"] = [{"token": []}]
    return document


def _expert(experts: Sequence[str], blendable: Sequence[str]) -> Json:
    schema: Json = {"type": "string", "enum": list(experts), "default": experts[0]}
    if not blendable:
        return _parameter("expert", schema, "Whose version of the photo.")
    names = "|".join(map(re.escape, blendable))
    part = f"({names})=-?[0-9]+(\\.[0-9]+)?"
    blend = {
        "type": "string",
        "pattern": f"^{part}(,{part})*$",
        "examples": [",".join(f"{name}=0.5" for name in blendable[-2:])],
    }
    schema = {"anyOf": [schema, blend], "default": experts[0]}
    return _parameter(
        "expert",
        schema,
        "Whose version of the photo, or a blend of several of one model, each named once. Weights "
        "count relative to their sum, which must not be 0; negative ones lead away from a style.",
    )


def _enhance(expert: Json, settings: Settings) -> Json:
    return {
        "operationId": "enhance",
        "summary": "A photo enhanced, at full resolution, with its profile and metadata",
        "parameters": [
            expert,
            _parameter(
                "strength",
                {
                    "type": "number",
                    "minimum": -STRENGTH_LIMIT,
                    "maximum": STRENGTH_LIMIT,
                    "default": 1.0,
                },
                "0 is the untouched photo, 1 the model; below 0 it goes the other way.",
            ),
            _parameter(
                "format",
                {"type": "string", "enum": list(FORMATS)},
                "Of the result; by default the photo's own.",
            ),
            _parameter(
                "quality",
                {"type": "integer", "minimum": 1, "maximum": 100},
                "Of the lossy formats, each on its encoder's scale.",
            ),
            _parameter(
                "bit_depth",
                {"type": "integer", "enum": list(BIT_DEPTHS)},
                "Of the result, 16 only where its format holds that; by default the photo's own.",
            ),
            _parameter(
                "note",
                {"type": "boolean", "default": True},
                "Whether the result says in XMP what was done: program, model and strength.",
            ),
        ],
        "requestBody": _photo(settings),
        "responses": {
            "200": {
                "description": "The enhanced photo; `Content-Disposition` suggests a name.",
                "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
                "content": {kind: {} for kind in MEDIA_TYPES.values()},
            },
            **_refusals(),
        },
    }


def _grid(expert: Json, settings: Settings) -> Json:
    return {
        "operationId": "grid",
        "summary": "What the network predicts for a photo, to render it elsewhere",
        "description": (
            "A thumbnail is enough: the network sees 256 × 256 pixels, an area average of the "
            "whole photo squashed to a square. The answer is little-endian: `FFG1`; depth, height "
            "and width as uint32; then float32 numbers: the guide's matrix (3 × 3), matrix bias "
            "(3), slopes (3 × 16), thresholds (3 × 16) and bias (1), and the coefficients "
            "(12 × depth × height × width, the last index the fastest)."
        ),
        "parameters": [expert],
        "requestBody": _photo(settings),
        "responses": {
            "200": {
                "description": "The grid and its guide, about 100 KB.",
                "content": {grid_format.MEDIA_TYPE: {}},
            },
            **_refusals(),
        },
    }


def _preview(settings: Settings) -> Json:
    return {
        "operationId": "preview",
        "summary": "A photo as it came, upright, in a format that every browser shows",
        "parameters": [
            _parameter(
                "max_side_px",
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LARGEST_SIDE_PX,
                    "default": LARGEST_SIDE_PX,
                },
                "The longest side of the result.",
            )
        ],
        "requestBody": _photo(settings),
        "responses": {
            "200": {
                "description": "A JPEG, or a PNG where the photo is transparent.",
                "content": {"image/jpeg": {}, "image/png": {}},
            },
            **_refusals(),
        },
    }


def _check(settings: Settings) -> Json:
    return {
        "operationId": "check",
        "summary": "Whether a photo can be enhanced, as far as the first bytes of its file tell",
        "description": (
            "The first 256 KB are enough. What they tell is the format, the size, and kinds that "
            "are not handled, such as animations and CMYK without a profile; not damage."
        ),
        "requestBody": _photo(settings),
        "responses": {
            "200": {
                "description": "Nothing speaks against it.",
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "properties": {"format": {"type": "string"}},
                            "required": ["format"],
                        }
                    }
                },
            },
            **_refusals(),
        },
    }


def _health() -> Json:
    return {
        "operationId": "health",
        "summary": "Whether the service is up, and what it offers",
        "responses": {
            "200": {
                "description": "It is up.",
                "content": {"application/json": {"schema": _ref("schemas/Health")}},
            },
            **_refusals("400", "403", "421"),
        },
    }


def _metrics() -> Json:
    return {
        "operationId": "metrics",
        "summary": "Figures for Prometheus",
        "responses": {
            "200": {
                "description": "Prometheus's text format.",
                "content": {metrics.MEDIA_TYPE: {"schema": {"type": "string"}}},
            },
            **_refusals("400", "401", "403", "421"),
        },
    }


def _photo(settings: Settings) -> Json:
    megabytes = settings.max_upload_bytes >> 20
    megapixels = settings.max_pixels // 1_000_000
    binary = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"type": "object", "properties": {"file": binary}, "required": ["file"]}
    return {
        "required": True,
        "description": (
            f"A photo of up to {megabytes} MB and {megapixels} megapixels: the field `file` of a "
            "form, or the whole body."
        ),
        "content": {
            "multipart/form-data": {"schema": form},
            "application/octet-stream": {},
            **{kind: {} for kind in MEDIA_TYPES.values()},
        },
    }


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _refusals(*statuses: str) -> Json:
    return {status: _ref(f"responses/{status}") for status in statuses or _REASONS}


def _problem(status: str) -> Json:
    response: Json = {
        "description": _REASONS[status],
        "content": {problems.MEDIA_TYPE: {"schema": _ref("schemas/Problem")}},
    }
    if status == "503":
        response["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
        }
    return response


def _ref(place: str) -> Json:
    return {"$ref": f"#/components/{place}"}


_PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457.",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The reason, for people."},
    },
    "required": ["title", "status", "detail"],
}
_HEALTH: Json = {
    "type": "object",
    "properties": {
        "status": {"const": "ok"},
        "version": {"type": "string"},
        "experts": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "needs_token": {"type": "boolean"},
        "max_upload_bytes": {"type": "integer"},
        "max_pixels": {"type": "integer"},
    },
    "required": [
        "status",
        "version",
        "experts",
        "needs_token",
        "max_upload_bytes",
        "max_pixels",
    ],
}
