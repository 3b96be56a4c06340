"""What stands around every page: the sidebar, guards, the link, the origin bar."""
