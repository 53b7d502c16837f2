"""Executors turn jobs into outcomes; they differ in where the work is done, never in what comes out."""
