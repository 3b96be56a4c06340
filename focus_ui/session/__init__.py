"""The session: state keys, navigation, errors."""
