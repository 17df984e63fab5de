print("ise")
