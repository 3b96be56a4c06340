"""Jobs on screen: their panel, their verdict, maps as jobs."""
