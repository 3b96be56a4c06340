"""Figures from core objects, their colours, and how they are saved."""
