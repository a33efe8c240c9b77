"""Payment gateway, warehouse and finance system: three local services, slow and faulty on purpose."""
