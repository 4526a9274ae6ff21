"""Work that is done because time passes: how it is declared, when it is due, who runs it, and what infra has to do."""
