"""Files that organizations keep here, in packed pieces, so that no file is ever whole in memory."""
