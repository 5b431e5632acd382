module sigmatag

go 1.19
