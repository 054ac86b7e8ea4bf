"""What commands share: options, tables, output."""
