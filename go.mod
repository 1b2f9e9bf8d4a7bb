module virgo

go 1.23.0
