"""Small parts that several of the page's cards are made of."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html


def icon(name: str) -> html.Span:
    """Return a drawn icon in the colour of the text around it."""
    return html.Span(className=f"icon icon-{name}", **{"aria-hidden": "true"})


def icon_button(
    button_id: str, name: str, label: str, *, extra_class: str = "", **attributes: str
) -> html.Button:
    """Return a button that shows a drawn icon and says what it does."""
    return html.Button(
        icon(name),
        id=button_id,
        className=f"icon-button {extra_class}".strip(),
        type="button",
        title=label,
        **{"aria-label": label, **attributes},
    )


def segmented(control_id: str, label: str, options: list[dict], value: str) -> html.Div:
    """Return a row of choices of which one holds."""
    return html.Div(
        role="group",
        className="segments",
        **{"aria-label": label},
        children=dmc.SegmentedControl(id=control_id, data=options, value=value, size="sm", radius="md"),
    )


def number_field(
    control_id: str, label: str, *, value: int, least: int, most: int, **more: object
) -> html.Div:
    """Return a whole number with its label."""
    return html.Div(
        id=f"{control_id}-field",
        className="field",
        children=[
            html.Label(label, htmlFor=control_id, className="field-label"),
            dmc.NumberInput(
                id=control_id,
                className="number",
                value=value,
                min=least,
                max=most,
                allowDecimal=False,
                allowNegative=False,
                clampBehavior="strict",
                size="sm",
                **more,
            ),
        ],
    )
