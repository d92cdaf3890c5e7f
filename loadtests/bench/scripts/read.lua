-- Reads of one address; the headers come from the command line.

require("outcome")
