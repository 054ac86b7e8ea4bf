"""Our counter against fvcore and ptflops, operator by operator."""
