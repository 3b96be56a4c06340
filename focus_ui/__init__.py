"""The parts of the app: state, caches, navigation, tables, charts. Computes nothing that focus_core could."""
