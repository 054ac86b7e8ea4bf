"""Stop a change that makes a variant costlier or slower."""
