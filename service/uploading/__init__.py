"""Pictures that a person brings in by browser: from a camera's files to photographs in the very same pipeline.

arriving    what a file is, and the picture in it upright and bare; a sentence for what is refused
staging     pictures that wait for their views, in a folder that nobody else can read, for an hour at most
wrapping    a picture as VL Photographic Image with the codes of its view
sending     into custody like any sender's photograph, and how far each one has come
"""
