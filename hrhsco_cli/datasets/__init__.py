"""Data sets: reading and checking COCO JSON, converting public layouts, rendering scenes."""
