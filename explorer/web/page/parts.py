"""Small elements that several of the page's cards use."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component


def part(class_name: str | None, *children: object, tag: type = html.Div, **attributes: object) -> Component:
    """Return an HTML element.

    Parameters
    ----------
    class_name : str or None
    *children : str or Component
    tag : type
        A class of `dash.html`.
    **attributes : str or bool
        HTML attributes with `_` in place of `-`, such as `aria_label="Zoom"`. Those that are None are left
        out.
    """
    given = {name.replace("_", "-"): value for name, value in attributes.items() if value is not None}
    if class_name is not None:
        given["className"] = class_name
    return tag(list(children), **given)


def icon(name: str) -> Component:
    """Return an icon in the colour of the text around it."""
    return part(f"icon icon-{name}", tag=html.Span, aria_hidden="true")


def button(*children: object, kind: str | None = "button", **attributes: object) -> Component:
    """Return a button; `kind` is its CSS class, such as "button quiet"."""
    return part(kind, *children, tag=html.Button, type="button", **attributes)


def icon_button(
    button_id: str, name: str, label: str, *, extra_class: str = "", **attributes: str | bool
) -> Component:
    """Return a button with an icon; its label is its tooltip and is read by screen readers."""
    kind = f"icon-button {extra_class}".strip()
    return button(icon(name), kind=kind, id=button_id, title=label, aria_label=label, **attributes)


def field(control_id: str, label: Component, control: Component) -> Component:
    """Return a control with its label beside it."""
    return part("field", label, control, id=f"{control_id}-field")


def switch(control_id: str, label: str, description: str, *, is_on: bool = False) -> dmc.Switch:
    """Return a switch."""
    return dmc.Switch(
        id=control_id, className="switch", checked=is_on, size="xs", label=label, description=description
    )


def number_field(
    control_id: str, label: str, *, value: int, minimum: int, maximum: int, hint: str = "", **more: object
) -> Component:
    """Return an input for a whole number, with its label and its limits; the hint is the label's tooltip.

    A number outside the limits becomes the nearest one when the field loses the focus, never while the user
    types.
    """
    number = dmc.NumberInput(
        id=control_id,
        className="number",
        value=value,
        min=minimum,
        max=maximum,
        allowDecimal=False,
        allowNegative=False,
        clampBehavior="blur",
        size="sm",
        **more,
    )
    limits = html.Small(f"{minimum} to {maximum}", className="field-limits")
    text = html.Label([label, " ", limits], htmlFor=control_id, className="field-label", title=hint or None)
    return field(control_id, text, number)


def progress_bar(bar_id: str) -> Component:
    """Return a thin bar, initially hidden; JavaScript sets its share."""
    return part(
        "progress-bar",
        html.Div(),
        id=bar_id,
        role="progressbar",
        aria_label="Songs heard",
        aria_valuemin="0",
        aria_valuemax="100",
        hidden=True,
    )
