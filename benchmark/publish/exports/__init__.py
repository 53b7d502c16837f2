"""A finished study in the forms that others expect: paragraphs and tables of a paper, Croissant, OpenML."""
