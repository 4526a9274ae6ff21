"""Who takes money: nobody, unless the operator names somebody. The sandbox takes none and is for trials."""
