"""What an effect depends on: a size that varies, or a second slot."""
