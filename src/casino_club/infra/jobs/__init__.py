"""Work that is done because time passes: how it is declared, who runs it, and what infra itself has to do."""
