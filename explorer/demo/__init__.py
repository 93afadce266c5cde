"""The demo: a composed library, and sounds for testing an embedding."""
