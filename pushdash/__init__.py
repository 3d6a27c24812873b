"""The roof: settings, wiring, health, the supervisor."""
