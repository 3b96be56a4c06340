"""The initialisation methods, one function each; `registry` names them."""
